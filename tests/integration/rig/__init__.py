"""Support for the black-box tests: everything here is written from the specifications alone."""
