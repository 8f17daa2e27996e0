"""Flow logs of cloud providers to rows of ``cloud_flows``.

Comes in: the content of log files of AWS (VPC and Transit Gateway, text and Parquet), Azure (virtual networks and
NSGs), GCP and OCI, in pieces of any size. Goes out: batches of the table, and what was wrong by reason. Must do no I/O
and never look at a record in Python: kernels walk the text.
"""

from weft.decode.cloud.decoder import PIECE, CloudDecoder, Options, codec_of, provider_in

__all__ = ["PIECE", "CloudDecoder", "Options", "codec_of", "provider_in"]
