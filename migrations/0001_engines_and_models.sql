CREATE TABLE `drained_engines` (
	`engine_id` text PRIMARY KEY NOT NULL,
	`since_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `engines` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`base_url` text NOT NULL,
	`config` text NOT NULL,
	`version` integer NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `model_actions` (
	`model_id` text NOT NULL,
	`engine_id` text NOT NULL,
	`action` text NOT NULL,
	`started_at_ms` integer NOT NULL,
	PRIMARY KEY(`model_id`, `engine_id`)
);
--> statement-breakpoint
CREATE TABLE `model_aliases` (
	`alias` text PRIMARY KEY NOT NULL,
	`model_id` text NOT NULL,
	FOREIGN KEY (`model_id`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `model_aliases_model` ON `model_aliases` (`model_id`);--> statement-breakpoint
CREATE TABLE `models` (
	`id` text PRIMARY KEY NOT NULL,
	`source` text,
	`names` text,
	`engine_kinds` text,
	`capabilities` text NOT NULL,
	`context_length` integer,
	`parameters_b` real,
	`format` text,
	`wish` text,
	`version` integer NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `registry` (
	`id` integer PRIMARY KEY NOT NULL,
	`version` integer NOT NULL
);
