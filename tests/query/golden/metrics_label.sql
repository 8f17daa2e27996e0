SELECT argMaxIf(s.last, (s.newest, ifNull(s.last, 0)), isNotNull(s.last)) AS last
FROM (
  SELECT exporter,
         metric,
         if_index,
         labels,
         component,
         host,
         source,
         argMaxOrNullIf(multiIf(metric_type = 2, value, metric_type = 1 AND interval_ms > 0, increase * 1000 / interval_ms, nan) AS sample, time, isFinite(sample)) AS last,
         max(time) AS newest
  FROM metrics
  WHERE time >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time < toDateTime('2026-11-16 12:00:00', 'UTC')
    AND metric = 'golden_octets' AND replaceAll(replaceAll(replaceAll(replaceAll(extract(labels, '^(?:[^"=,]+="(?:[^"\\\\]|\\\\.)*",)*queue="((?:[^"\\\\]|\\\\.)*)"'), '\\\\', '\x01'), '\\"', '"'), '\\n', '\n'), '\x01', '\\') = '3' AND (exporter IN (SELECT exporter FROM dictionary('dict_exporters') WHERE name = 'router1') AND dictGet('dict_exporters', 'name', exporter, toDateTime('2026-11-16 11:59:00', 'UTC')) = 'router1' AND dictGet('dict_interfaces', 'name', (exporter, if_index), toDateTime('2026-11-16 11:59:00', 'UTC')) = 'et-0/0/1') AND source = 2
  GROUP BY exporter, metric, if_index, labels, component, host, source
) AS s
