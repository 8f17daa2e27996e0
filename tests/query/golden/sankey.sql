SELECT g.by_src_as AS by_src_as,
       g.by_in_if_exporter AS by_in_if_exporter,
       g.by_in_if AS by_in_if,
       dictGet('dict_exporters', 'name', g.exporter, toDateTime('2026-11-16 11:59:00', 'UTC')) AS by_exporter_name,
       sum(g.sum_bytes) AS sum_bytes
FROM (
  SELECT src_as AS by_src_as,
         exporter AS by_in_if_exporter,
         in_if AS by_in_if,
         exporter,
         sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
  FROM flows_source_1h
  WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  GROUP BY by_src_as, by_in_if_exporter, by_in_if, exporter
) AS g
GROUP BY by_src_as, by_in_if_exporter, by_in_if, by_exporter_name
LIMIT 250001
