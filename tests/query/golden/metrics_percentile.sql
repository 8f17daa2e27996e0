SELECT p.by_exporter AS by_exporter,
       arraySort(groupArray(assumeNotNull(p.slot)))[toUInt32(ceil(0.95 * count()))] AS p95_bps
FROM (
  SELECT s.bucket AS bucket,
         s.exporter AS by_exporter,
         sumOrNullIf(s.rate, endsWith(s.metric, '_octets')) AS slot
  FROM (
    SELECT intDiv(toUInt32(time) - 1794808800, 300) AS bucket,
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
      AND metric = 'golden_octets' AND source = 3
    GROUP BY bucket, exporter, metric, if_index, labels, component, host, source
  ) AS s
  GROUP BY bucket, by_exporter
) AS p
WHERE isNotNull(p.slot)
GROUP BY by_exporter
ORDER BY p95_bps DESC, by_exporter
LIMIT 10;

SELECT p.top AS top,
       p.by_exporter AS by_exporter,
       arraySort(groupArray(assumeNotNull(p.slot)))[toUInt32(ceil(0.95 * count()))] AS p95_bps
FROM (
  SELECT s.bucket AS bucket,
         0 AS top,
         if(top, s.exporter, toIPv6('::')) AS by_exporter,
         sumOrNullIf(s.rate, endsWith(s.metric, '_octets')) AS slot
  FROM (
    SELECT intDiv(toUInt32(time) - 1794808800, 300) AS bucket,
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
      AND metric = 'golden_octets' AND source = 3
    GROUP BY bucket, exporter, metric, if_index, labels, component, host, source
  ) AS s
  GROUP BY bucket, top, by_exporter
) AS p
WHERE isNotNull(p.slot)
GROUP BY top, by_exporter
