"""The classifiers in NumPy, for serving on a CPU: the same arithmetic as the torch modules, without torch.

weights, sizes --build--> Network: encode, update, readout, piece by piece as in models/
"""
