"""NetFlow v5, v9, IPFIX and sFlow v5: batches of datagrams in, columns of the ``flows`` and ``metrics`` tables out."""
