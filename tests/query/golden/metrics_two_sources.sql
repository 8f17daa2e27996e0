SELECT dictGet('dict_exporters', 'name', s.exporter, toDateTime('2026-11-16 11:59:00', 'UTC')) AS by_exporter_name,
       s.component AS by_component,
       max(s.high) AS max,
       sumOrNullIf(s.rate, (s.metric IN ('in_octets', 'out_octets') AND s.speed > 0 AND isNotNull(s.rate))) * 800 / sumOrNullIf(s.speed, (s.metric IN ('in_octets', 'out_octets') AND s.speed > 0 AND isNotNull(s.rate))) AS utilisation
FROM (
  SELECT r.*,
         dictGet('dict_interfaces', 'speed_bps', (r.exporter, r.if_index), toDateTime('2026-11-16 11:59:00', 'UTC')) AS speed
  FROM (
    SELECT a.exporter AS exporter,
           a.metric AS metric,
           a.if_index AS if_index,
           a.labels AS labels,
           a.part AS part,
           a.name AS name,
           argMax((a.told_component, a.high, a.rate,), (a.samples, -toInt16(a.source))) AS best,
           best.1 AS component,
           best.2 AS high,
           best.3 AS rate
    FROM (
      SELECT exporter,
             metric,
             if_index,
             labels,
             source,
             if(if_index = 0, component, '') AS part,
             if(exporter = toIPv6('::'), host, '') AS name,
             any(component) AS told_component,
             count() AS samples,
             maxOrNullIf(multiIf(metric_type = 2, value, metric_type = 1 AND interval_ms > 0, increase * 1000 / interval_ms, nan) AS sample, isFinite(sample)) AS high,
             if(sum(interval_ms) > 0, sum(increase) * 1000 / sum(interval_ms), NULL) AS rate
      FROM metrics
      WHERE time >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time < toDateTime('2026-11-16 12:00:00', 'UTC')
        AND metric = 'golden_octets'
      GROUP BY part, name, exporter, metric, if_index, labels, source
    ) AS a
    GROUP BY exporter, metric, if_index, labels, part, name
  ) AS r
) AS s
GROUP BY by_exporter_name, by_component
LIMIT 20001;

SELECT 0 AS top,
       if(top, dictGet('dict_exporters', 'name', s.exporter, toDateTime('2026-11-16 11:59:00', 'UTC')), '') AS by_exporter_name,
       if(top, s.component, '') AS by_component,
       max(s.high) AS max,
       sumOrNullIf(s.rate, (s.metric IN ('in_octets', 'out_octets') AND s.speed > 0 AND isNotNull(s.rate))) * 800 / sumOrNullIf(s.speed, (s.metric IN ('in_octets', 'out_octets') AND s.speed > 0 AND isNotNull(s.rate))) AS utilisation
FROM (
  SELECT r.*,
         dictGet('dict_interfaces', 'speed_bps', (r.exporter, r.if_index), toDateTime('2026-11-16 11:59:00', 'UTC')) AS speed
  FROM (
    SELECT a.exporter AS exporter,
           a.metric AS metric,
           a.if_index AS if_index,
           a.labels AS labels,
           a.part AS part,
           a.name AS name,
           argMax((a.told_component, a.high, a.rate,), (a.samples, -toInt16(a.source))) AS best,
           best.1 AS component,
           best.2 AS high,
           best.3 AS rate
    FROM (
      SELECT exporter,
             metric,
             if_index,
             labels,
             source,
             if(if_index = 0, component, '') AS part,
             if(exporter = toIPv6('::'), host, '') AS name,
             any(component) AS told_component,
             count() AS samples,
             maxOrNullIf(multiIf(metric_type = 2, value, metric_type = 1 AND interval_ms > 0, increase * 1000 / interval_ms, nan) AS sample, isFinite(sample)) AS high,
             if(sum(interval_ms) > 0, sum(increase) * 1000 / sum(interval_ms), NULL) AS rate
      FROM metrics
      WHERE time >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time < toDateTime('2026-11-16 12:00:00', 'UTC')
        AND metric = 'golden_octets'
      GROUP BY part, name, exporter, metric, if_index, labels, source
    ) AS a
    GROUP BY exporter, metric, if_index, labels, part, name
  ) AS r
) AS s
GROUP BY top, by_exporter_name, by_component
