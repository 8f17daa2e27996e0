SELECT p.by_out_if_exporter AS by_out_if_exporter,
       p.by_out_if AS by_out_if,
       if(count() + 69 > 72, arraySort(groupArray(p.sum_bytes))[toInt64(count()) + -3], 0) AS p95_bps
FROM (
  SELECT intDiv(toUInt32(time_received) - 1794808800, 300) AS bucket,
         exporter AS by_out_if_exporter,
         out_if AS by_out_if,
         sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
  FROM flows_path_5m
  WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  GROUP BY bucket, by_out_if_exporter, by_out_if
) AS p
GROUP BY by_out_if_exporter, by_out_if
ORDER BY p95_bps DESC, by_out_if_exporter, by_out_if
LIMIT 3;

SELECT p.top AS top,
       p.by_out_if_exporter AS by_out_if_exporter,
       p.by_out_if AS by_out_if,
       if(count() + 69 > 72, arraySort(groupArray(p.sum_bytes))[toInt64(count()) + -3], 0) AS p95_bps
FROM (
  SELECT intDiv(toUInt32(time_received) - 1794808800, 300) AS bucket,
         (exporter, out_if) IN ((toIPv6('::ffff:192.0.2.2'), 2), (toIPv6('2001:db8::3'), 1), (toIPv6('::ffff:192.0.2.1'), 0)) AS top,
         if(top, exporter, toIPv6('::')) AS by_out_if_exporter,
         if(top, out_if, 0) AS by_out_if,
         sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
  FROM flows_path_5m
  WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  GROUP BY bucket, top, by_out_if_exporter, by_out_if
) AS p
GROUP BY top, by_out_if_exporter, by_out_if
