"""Sound: recordings, files, encodings, channels, spectrum."""
