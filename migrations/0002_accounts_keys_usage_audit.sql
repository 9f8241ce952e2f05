CREATE TABLE `audit` (
	`workspace_id` text NOT NULL,
	`seq` integer NOT NULL,
	`at_ms` integer NOT NULL,
	`record` text NOT NULL,
	`prev_hash` text NOT NULL,
	`hash` text NOT NULL,
	PRIMARY KEY(`workspace_id`, `seq`)
);
--> statement-breakpoint
CREATE TABLE `memberships` (
	`workspace_id` text NOT NULL,
	`user_id` text NOT NULL,
	`role` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	PRIMARY KEY(`workspace_id`, `user_id`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `memberships_user` ON `memberships` (`user_id`);--> statement-breakpoint
CREATE TABLE `one_time_tokens` (
	`hash` text PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`purpose` text NOT NULL,
	`user_id` text,
	`workspace_id` text,
	`role` text,
	`email` text,
	`created_by` text,
	`created_at_ms` integer NOT NULL,
	`expires_at_ms` integer NOT NULL,
	`used_at_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `one_time_tokens_id_unique` ON `one_time_tokens` (`id`);--> statement-breakpoint
CREATE INDEX `one_time_tokens_workspace` ON `one_time_tokens` (`workspace_id`);--> statement-breakpoint
CREATE INDEX `one_time_tokens_user` ON `one_time_tokens` (`user_id`);--> statement-breakpoint
CREATE TABLE `platforms` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`slug` text NOT NULL,
	`type` text NOT NULL,
	`status` text NOT NULL,
	`capabilities` text NOT NULL,
	`deploy_target` text,
	`description` text,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `platforms_slug_unique` ON `platforms` (`slug`);--> statement-breakpoint
CREATE TABLE `refresh_tokens` (
	`hash` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`used_at_ms` integer,
	FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `refresh_tokens_session` ON `refresh_tokens` (`session_id`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`workspace_id` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`expires_at_ms` integer NOT NULL,
	`revoked_at_ms` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`);--> statement-breakpoint
CREATE TABLE `usage_hours` (
	`workspace_id` text NOT NULL,
	`hour` integer NOT NULL,
	`key_id` text NOT NULL,
	`model` text NOT NULL,
	`engine` text NOT NULL,
	`requests` integer NOT NULL,
	`estimated` integer NOT NULL,
	`prompt_tokens` integer NOT NULL,
	`cached_tokens` integer NOT NULL,
	`completion_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`cost_nano` integer NOT NULL,
	`queue_ms` integer NOT NULL,
	`engine_ms` integer NOT NULL,
	`overhead_ms` integer NOT NULL,
	PRIMARY KEY(`workspace_id`, `hour`, `key_id`, `model`, `engine`)
);
--> statement-breakpoint
CREATE INDEX `usage_hours_hour` ON `usage_hours` (`hour`);--> statement-breakpoint
CREATE INDEX `usage_hours_key` ON `usage_hours` (`key_id`,`hour`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`name` text NOT NULL,
	`password_hash` text NOT NULL,
	`disabled_at_ms` integer,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email_unique` ON `users` (`email`);--> statement-breakpoint
ALTER TABLE `api_keys` RENAME TO `__old_api_keys`;--> statement-breakpoint
DROP INDEX `api_keys_id_unique`;--> statement-breakpoint
DROP INDEX `api_keys_workspace`;--> statement-breakpoint
CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`workspace_id` text NOT NULL,
	`name` text NOT NULL,
	`role` text NOT NULL,
	`scopes` text,
	`models` text,
	`origins` text,
	`ips` text,
	`limits` text,
	`priority` text,
	`metadata` text,
	`created_by` text,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`expires_at_ms` integer,
	`revoked_at_ms` integer,
	`last_used_at_ms` integer,
	`version` integer DEFAULT 1 NOT NULL,
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `api_keys_workspace` ON `api_keys` (`workspace_id`);--> statement-breakpoint
INSERT INTO `api_keys` (`id`, `workspace_id`, `name`, `role`, `created_at_ms`, `updated_at_ms`, `expires_at_ms`, `revoked_at_ms`) SELECT `id`, `workspace_id`, `name`, `role`, `created_at_ms`, `created_at_ms`, `expires_at_ms`, `revoked_at_ms` FROM `__old_api_keys`;--> statement-breakpoint
CREATE TABLE `key_secrets` (
	`hash` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`pepper_version` integer DEFAULT 1 NOT NULL,
	`hint` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`expires_at_ms` integer,
	FOREIGN KEY (`key_id`) REFERENCES `api_keys`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `key_secrets_key` ON `key_secrets` (`key_id`);--> statement-breakpoint
INSERT INTO `key_secrets` (`hash`, `key_id`, `hint`, `created_at_ms`) SELECT `hash`, `id`, `hint`, `created_at_ms` FROM `__old_api_keys`;--> statement-breakpoint
DROP TABLE `__old_api_keys`;--> statement-breakpoint
ALTER TABLE `workspaces` ADD `operator` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `workspaces` ADD `limits` text;--> statement-breakpoint
ALTER TABLE `workspaces` ADD `version` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
-- Until now every workspace was one of those who run the platform.
UPDATE `workspaces` SET `operator` = true;
