SELECT intDiv(toUInt32(time_received) - 1794808800, 300) AS bucket,
       protocol AS by_protocol,
       sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
FROM flows_path_5m
WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
GROUP BY bucket, by_protocol
LIMIT 250001;

SELECT intDiv(toUInt32(time_received) - 1794805200, 300) AS bucket,
       protocol AS by_protocol,
       sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
FROM flows_path_5m
WHERE time_received >= toDateTime('2026-11-16 05:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 11:00:00', 'UTC')
  AND protocol IN (6, 253, 17)
GROUP BY bucket, by_protocol;

SELECT intDiv(toUInt32(time_received) - 1794805200, 300) AS bucket,
       sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
FROM flows_exporters
WHERE time_received >= toDateTime('2026-11-16 05:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 11:00:00', 'UTC')
GROUP BY bucket
