SELECT r.by_src_site AS by_src_site,
       r.by_dst_port AS by_dst_port,
       r.sum_bytes AS sum_bytes,
       sum(r.sum_bytes) OVER () AS all_sum_bytes
FROM (
  SELECT dictGet('dict_networks', 'site', g.src_net) AS by_src_site,
         g.by_dst_port AS by_dst_port,
         sum(g.sum_bytes) AS sum_bytes
  FROM (
    SELECT src_net,
           dst_port AS by_dst_port,
           sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
    FROM flows
    WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
      AND dictGet('dict_interfaces', 'boundary', (exporter, in_if), toDateTime('2026-11-16 11:59:00', 'UTC')) = 'external'
    GROUP BY src_net, by_dst_port
  ) AS g
  GROUP BY by_src_site, by_dst_port
) AS r
ORDER BY r.sum_bytes DESC, by_src_site, by_dst_port
LIMIT 6
