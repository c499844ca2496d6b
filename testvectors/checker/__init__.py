"""The independent checker of the vectors: a module a kind, none of which reads anything else of the
project. Each decides from the inputs of a test alone, by docs/wire.md, docs/http.md and the public
texts, what must come of it."""
