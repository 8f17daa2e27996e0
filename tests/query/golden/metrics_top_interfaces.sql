SELECT s.exporter AS by_interface_exporter,
       s.if_index AS by_interface,
       sum(s.rate) AS rate
FROM (
  SELECT exporter,
         metric,
         if_index,
         labels,
         component,
         host,
         source,
         if(sum(interval_ms) > 0, sum(increase) * 1000 / sum(interval_ms), NULL) AS rate
  FROM metrics
  WHERE time >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time < toDateTime('2026-11-16 12:00:00', 'UTC')
    AND metric = 'golden_octets' AND exporter = '::ffff:203.0.113.8'
  GROUP BY exporter, metric, if_index, labels, component, host, source
) AS s
GROUP BY by_interface_exporter, by_interface
LIMIT 20001;

SELECT s.bucket AS bucket,
       0 AS top,
       if(top, s.exporter, toIPv6('::')) AS by_interface_exporter,
       if(top, s.if_index, 0) AS by_interface,
       sum(s.rate) AS rate
FROM (
  SELECT intDiv(toUInt32(time) - 1794808800, 3600) AS bucket,
         exporter,
         metric,
         if_index,
         labels,
         component,
         host,
         source,
         if(sum(interval_ms) > 0, sum(increase) * 1000 / sum(interval_ms), NULL) AS rate
  FROM metrics
  WHERE time >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time < toDateTime('2026-11-16 12:00:00', 'UTC')
    AND metric = 'golden_octets' AND exporter = '::ffff:203.0.113.8'
  GROUP BY bucket, exporter, metric, if_index, labels, component, host, source
) AS s
GROUP BY bucket, top, by_interface_exporter, by_interface
