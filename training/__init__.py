"""Makes the classifiers: data sets, loss, loop, evaluation, calibration, command line."""
