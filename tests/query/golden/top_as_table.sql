SELECT r.by_src_as AS by_src_as,
       r.sum_bytes AS sum_bytes,
       r.sum_packets AS sum_packets,
       sum(r.sum_bytes) OVER () AS all_sum_bytes,
       sum(r.sum_packets) OVER () AS all_sum_packets
FROM (
  SELECT src_as AS by_src_as,
         sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes,
         sum(packets * greatest(sampling_rate, 1)) AS sum_packets
  FROM flows_source_1h
  WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  GROUP BY by_src_as
) AS r
ORDER BY r.sum_bytes DESC, by_src_as
LIMIT 6
