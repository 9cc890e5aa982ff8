"""One module per form of input: each turns files into facts of the model."""
