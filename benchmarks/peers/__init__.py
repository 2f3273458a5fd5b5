"""The servers beside which Undertone is measured, each written as its own documentation has it."""
