SELECT r.by_src_as AS by_src_as,
       r.sum_bytes AS sum_bytes
FROM (
  SELECT src_as AS by_src_as,
         sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
  FROM flows_source_1h
  WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  GROUP BY by_src_as
) AS r
ORDER BY r.sum_bytes DESC, by_src_as
LIMIT 3;

SELECT intDiv(toUInt32(time_received) - 1794808800, 3600) AS bucket,
       src_as AS by_src_as,
       sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
FROM flows_source_1h
WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  AND src_as IN (64501, 105, 104)
GROUP BY bucket, by_src_as;

SELECT intDiv(toUInt32(time_received) - 1794808800, 3600) AS bucket,
       sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
FROM flows_exporters
WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
GROUP BY bucket
