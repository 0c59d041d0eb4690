"""Stands in for the module that tells a program that it runs on Colab."""
