"""How each channel says it: one file a messenger, one file an acquirer."""
