"""What emotions are transferred to."""

#: The neutral things of UniEmo's figure 10a, which editing is measured on.
THINGS = ("bench", "book", "cup", "lamp", "room", "sofa", "street")

#: What the page offers: things and characters that drawn stickers show often.
SUBJECTS = ("smiley", "cat", "dog", "robot", "house", "bench", "lamp", "book", "flower", "apple")
