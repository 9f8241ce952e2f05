DROP INDEX `api_keys_workspace`;--> statement-breakpoint
CREATE INDEX `api_keys_created_by` ON `api_keys` (`workspace_id`,`created_by`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `api_keys_workspace` ON `api_keys` (`workspace_id`,`created_at_ms`,`id`);--> statement-breakpoint
ALTER TABLE `audit` ADD `id` text GENERATED ALWAYS AS (json_extract("record", '$.id')) VIRTUAL;--> statement-breakpoint
ALTER TABLE `audit` ADD `action` text GENERATED ALWAYS AS (json_extract("record", '$.action')) VIRTUAL;--> statement-breakpoint
ALTER TABLE `audit` ADD `actor` text GENERATED ALWAYS AS (json_extract("record", '$.actor.id')) VIRTUAL;--> statement-breakpoint
ALTER TABLE `audit` ADD `resource` text GENERATED ALWAYS AS (json_extract("record", '$.resource.type') || ':' || json_extract("record", '$.resource.id')) VIRTUAL;--> statement-breakpoint
CREATE UNIQUE INDEX `audit_id` ON `audit` (`id`);--> statement-breakpoint
CREATE INDEX `audit_time` ON `audit` (`workspace_id`,`at_ms`,`seq`);--> statement-breakpoint
CREATE INDEX `audit_action` ON `audit` (`workspace_id`,`action`,`seq`);--> statement-breakpoint
CREATE INDEX `audit_actor` ON `audit` (`workspace_id`,`actor`,`seq`);--> statement-breakpoint
CREATE INDEX `audit_resource` ON `audit` (`workspace_id`,`resource`,`seq`);--> statement-breakpoint
ALTER TABLE `models` ADD `price` text;--> statement-breakpoint
CREATE INDEX `workspaces_operator` ON `workspaces` (`operator`,`created_at_ms`);--> statement-breakpoint
-- Records are added behind the last one, and never changed: not even by us.
CREATE TRIGGER `audit_no_update` BEFORE UPDATE ON `audit` BEGIN
	SELECT RAISE(ABORT, 'audit: records are never changed');
END;--> statement-breakpoint
CREATE TRIGGER `audit_no_delete` BEFORE DELETE ON `audit` BEGIN
	SELECT RAISE(ABORT, 'audit: records are never deleted');
END;--> statement-breakpoint
-- INSERT OR REPLACE would delete without the trigger above.
CREATE TRIGGER `audit_next` BEFORE INSERT ON `audit`
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM `audit` WHERE workspace_id = NEW.workspace_id), 0)
BEGIN
	SELECT RAISE(ABORT, 'audit: not the next record');
END;
