"""The command line `undertone`: predict, watch, score and doctor, in process or through a running service."""
