"""NetFlow v5, v9, IPFIX and sFlow v5: batches of datagrams in, columns of the ``flows`` and ``metrics`` tables out.

Comes in: ``DatagramBatch``. Goes out: ``Decoded``, and on request the health of every stream (``StreamStatus``). Must
never raise, hang, read outside a datagram or grow without bound, whatever the bytes; drop a record because its sampling
rate, interface or name is unknown; or let one exporter's input touch what is known of another.

How a batch passes: ``headers`` reads every header and finds its stream → ``sets`` lists the sets of v9 and IPFIX and
binds them, in wire order, to the templates of that moment (``templates``, each compiled once to a program by
``programs``) → ``execute`` decodes all of them in one kernel call, column by column (``fields``, ``netflow5``,
``finish``) or record by record → data without a template waits (``held``) → ``sequence`` accounts for loss. ``options``
and ``sampling`` keep what exporters say of themselves, ``columns`` the buffers that become Arrow arrays without a copy.
"""
