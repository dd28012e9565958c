"""The configuration language: characters, words, blocks, model."""
