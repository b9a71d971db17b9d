"""The Gradio tabs, one file each."""
