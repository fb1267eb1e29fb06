"""The engine: documents, compiler, context and run loop. It knows no policy by name: the vocabulary is an argument."""
