"""txlib: attention and the Transformer, built in the order in which they were invented.

Importing this package imports nothing heavy. Take what you need from its modules::

    from txlib.recurrent import LSTMCell
    from txlib.data import grammar
"""

__version__ = "0.1.0"
