"""The classifiers and the text pipe: text -> sentences -> tokens -> step -> probabilities."""
