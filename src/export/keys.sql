-- References between the large tables, and their indexes beside the primary keys. They are made after the first rows are
-- in, as both are far cheaper for all rows at once than row by row. Neither keeps a reader waiting. What is there stays.

CREATE INDEX IF NOT EXISTS services_team ON watershed.services (team);
CREATE INDEX IF NOT EXISTS services_metadata ON watershed.services USING gin (metadata jsonb_path_ops);
CREATE INDEX IF NOT EXISTS service_dependencies_target ON watershed.service_dependencies (target_service_id);
CREATE UNIQUE INDEX IF NOT EXISTS service_dependencies_shown ON watershed.service_dependencies
    (source_service_id, target_service_id) WHERE is_shown;

DO $$
DECLARE
    reference record;
BEGIN
    FOR reference IN
        SELECT * FROM (VALUES ('service_dependencies', 'source_service_id'),
                              ('service_dependencies', 'target_service_id'),
                              ('slo_targets', 'service_id')) AS wanted (name, field)
         WHERE NOT EXISTS (SELECT FROM pg_constraint
                            WHERE conrelid = ('watershed.' || name)::regclass AND contype = 'f'
                              AND conname = name || '_' || field || '_fkey')
    LOOP
        EXECUTE format('ALTER TABLE watershed.%1$I ADD CONSTRAINT %1$s_%2$s_fkey FOREIGN KEY (%2$I) '
                       'REFERENCES watershed.services', reference.name, reference.field);
    END LOOP;
END
$$;
