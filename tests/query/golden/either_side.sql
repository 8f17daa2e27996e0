SELECT sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
FROM flows
WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  AND NOT (src_as = 64501 OR dst_as = 64501) AND ((dictGet('dict_networks', 'site', src_net) = 'paris' OR dictGet('dict_networks', 'site', dst_net) = 'paris') OR bitAnd(tcp_flags, 2) = 2)
