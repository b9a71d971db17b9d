"""The neutral things that emotions are transferred to."""

#: Those of UniEmo's figure 10a: the page offers them, and editing is measured on them.
THINGS = ("bench", "book", "cup", "lamp", "room", "sofa", "street")
