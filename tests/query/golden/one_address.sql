SELECT intDiv(toUInt32(time_received) - 1794808800, 300) AS bucket,
       dst_port AS by_dst_port,
       sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
FROM flows
WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  AND (src_addr = '::ffff:10.0.0.1' OR dst_addr = '::ffff:10.0.0.1') AND NOT ((src_port BETWEEN 8000 AND 8999 OR src_port = 53) OR (dst_port BETWEEN 8000 AND 8999 OR dst_port = 53))
GROUP BY bucket, by_dst_port
LIMIT 2000001
