SELECT sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes,
       sum(packets * greatest(sampling_rate, 1)) AS sum_packets,
       sum(flows) AS sum_flows
FROM flows_exporters
WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
