SELECT r.by_app AS by_app,
       r.unique_src_addr AS unique_src_addr
FROM (
  SELECT dictGet('dict_applications', 'name', g.app) AS by_app,
         uniqExactMerge(g.unique_src_addr) AS unique_src_addr
  FROM (
    SELECT app,
           uniqExactState(src_addr) AS unique_src_addr
    FROM flows
    WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
    GROUP BY app
  ) AS g
  GROUP BY by_app
) AS r
ORDER BY r.unique_src_addr DESC, by_app
LIMIT 3;

SELECT dictGet('dict_applications', 'name', g.app) IN ('', 'bgp', 'dns') AS top,
       if(top, dictGet('dict_applications', 'name', g.app), '') AS by_app,
       sum(g.sum_bytes) AS sum_bytes
FROM (
  SELECT app,
         sum(bytes * greatest(sampling_rate, 1)) AS sum_bytes
  FROM flows_path_1h
  WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  GROUP BY app
) AS g
GROUP BY top, by_app;

SELECT dictGet('dict_applications', 'name', g.app) IN ('', 'bgp', 'dns') AS top,
       if(top, dictGet('dict_applications', 'name', g.app), '') AS by_app,
       uniqExactMerge(g.unique_src_addr) AS unique_src_addr
FROM (
  SELECT app,
         uniqExactState(src_addr) AS unique_src_addr
  FROM flows
  WHERE time_received >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time_received < toDateTime('2026-11-16 12:00:00', 'UTC')
  GROUP BY app
) AS g
GROUP BY top, by_app
