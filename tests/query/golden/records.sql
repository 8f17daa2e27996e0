SELECT time_received,
       time_start,
       time_end,
       exporter AS by_exporter,
       src_addr AS by_src_addr,
       src_port AS by_src_port,
       dst_addr AS by_dst_addr,
       dst_port AS by_dst_port,
       protocol AS by_protocol,
       dictGet('dict_applications', 'name', app) AS by_app,
       tcp_flags AS by_tcp_flags,
       exporter AS by_in_if_exporter,
       in_if AS by_in_if,
       exporter AS by_out_if_exporter,
       out_if AS by_out_if,
       src_as AS by_src_as,
       dst_as AS by_dst_as,
       sampling_rate AS by_sampling_rate,
       bytes,
       packets
FROM flows
WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  AND src_addr BETWEEN '::ffff:10.0.0.0' AND '::ffff:10.255.255.255' AND dictGet('dict_networks', 'site', src_net) LIKE 'p%'
ORDER BY bytes * greatest(sampling_rate, 1) DESC
LIMIT 20
