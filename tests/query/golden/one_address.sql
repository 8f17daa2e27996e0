SELECT r.by_dst_port AS by_dst_port,
       r.sum_bytes AS sum_bytes
FROM (
  SELECT dst_port AS by_dst_port,
         sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
  FROM flows
  WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
    AND (src_addr = '::ffff:10.0.0.1' OR dst_addr = '::ffff:10.0.0.1') AND NOT ((src_port BETWEEN 8000 AND 8999 OR src_port = 53) OR (dst_port BETWEEN 8000 AND 8999 OR dst_port = 53))
  GROUP BY by_dst_port
) AS r
ORDER BY r.sum_bytes DESC, by_dst_port
LIMIT 10;

SELECT intDiv(toUInt32(time_received) - 1794808800, 300) AS bucket,
       dst_port IN (443, 80) AS top,
       if(top, dst_port, 0) AS by_dst_port,
       sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
FROM flows
WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  AND (src_addr = '::ffff:10.0.0.1' OR dst_addr = '::ffff:10.0.0.1') AND NOT ((src_port BETWEEN 8000 AND 8999 OR src_port = 53) OR (dst_port BETWEEN 8000 AND 8999 OR dst_port = 53))
GROUP BY bucket, top, by_dst_port
