SELECT r.by_src_as AS by_src_as,
       max(r.sum_bytes) AS rank
FROM (
  SELECT intDiv(toUInt32(time_received) - 1794808800, 3600) AS bucket,
         src_as AS by_src_as,
         sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
  FROM flows_source_1h
  WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  GROUP BY bucket, by_src_as
) AS r
GROUP BY by_src_as
ORDER BY rank DESC, by_src_as
LIMIT 3;

SELECT src_as IN (104, 64501, 106) AS top,
       if(top, src_as, 0) AS by_src_as,
       sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
FROM flows_source_1h
WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
GROUP BY top, by_src_as
