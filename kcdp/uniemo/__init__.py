"""UniEmo's expert queries: they ask a vision tower for scene and objects on its way to the emotion (section III-A)."""
