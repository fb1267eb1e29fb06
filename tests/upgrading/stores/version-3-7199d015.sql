BEGIN TRANSACTION;
CREATE TABLE notification_attempts (
	job_id VARCHAR(36) NOT NULL, 
	series INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	duration_s FLOAT, 
	status INTEGER, 
	error VARCHAR(64), 
	decision VARCHAR(16), 
	excerpt TEXT, 
	next_at FLOAT, 
	PRIMARY KEY (job_id, series, number)
);
CREATE TABLE notification_jobs (
	id VARCHAR(36) NOT NULL, 
	caller VARCHAR(256) NOT NULL, 
	rule VARCHAR(256) NOT NULL, 
	batch_id BIGINT NOT NULL, 
	environment VARCHAR(64) DEFAULT 'd365' NOT NULL, 
	watched VARCHAR(8) DEFAULT 'ours' NOT NULL, 
	url TEXT NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	profile VARCHAR(16) NOT NULL, 
	state VARCHAR(24) NOT NULL, 
	active INTEGER NOT NULL, 
	created_at FLOAT NOT NULL, 
	updated_at FLOAT NOT NULL, 
	deadline_at FLOAT NOT NULL, 
	callback_deadline_at FLOAT NOT NULL, 
	snapshot TEXT, 
	starting_at FLOAT, 
	doubt_until FLOAT, 
	started_at FLOAT, 
	running_at FLOAT, 
	ended_at FLOAT, 
	batch_status VARCHAR(64), 
	outcome VARCHAR(24), 
	message TEXT, 
	scheduled_for FLOAT, 
	facts TEXT, 
	link TEXT, 
	follow_until FLOAT, 
	follows VARCHAR(36), 
	attempts INTEGER NOT NULL, 
	doubted INTEGER NOT NULL, 
	series INTEGER NOT NULL, 
	next_attempt_at FLOAT, 
	owner VARCHAR(64), 
	PRIMARY KEY (id)
);
INSERT INTO "notification_jobs" VALUES('ee5a9577-049f-43de-b28c-27956b1fea38','caller-one','bench',1,'d365','ours','fernet:81974237:gAAAAABrDkuGQXpU8nBxnLcp-W6JPhcbiBo2JkOSL6YsGXaLu-SO7edCuerPoZj5rvTWvsTYks_GWkBe-n2bxWag825yqUW7FhUX1K5DE9lalJfnTAjoBZgPHTL4M-yDeFsxkJ7QZc9tna0ykNO09nUng_VFUoPjWg==','receiver.example.com','adf','running',1,1.79609895094177532196e+09,1.79609896046180772784e+09,1.79618532094177532198e+09,1.79618535094177532189e+09,'{"batch_id": 1, "status": "Finished", "start": 1600000012.0, "end": 1600000300.0, "scheduled": 1600000000.0}',1.79609895117446446421e+09,NULL,1.7960989512037911415e+09,1.79609896000035691265e+09,NULL,'Executing',NULL,NULL,NULL,NULL,'http://127.0.0.1:36957/data/BatchJobs(1)',NULL,NULL,0,0,0,NULL,'embedded');
INSERT INTO "notification_jobs" VALUES('efdd7952-c14b-4ab2-8a2e-ce4e6d40b4b9','caller-one','bench',2,'d365','ours','fernet:81974237:gAAAAABrDkuG-GQpjYhCitY4-aEE-Bm5XWs54I86KQF1gOOqBVq8KGUnMpisBR0hcHbGmrZ4M24o-KoJ_2HuCzhpAFYIMZP2BqXBi2ZWD87fFmh-BZ3qamZzIf1NqpkbJMFWJWeix7tp2zRC812Z4ecfq-XNEkuRQw==','receiver.example.com','adf','running',1,1.79609895096136188506e+09,1.79609896046169471742e+09,1.79618532096136188504e+09,1.79618535096136188507e+09,'{"batch_id": 2, "status": "Finished", "start": 1600000012.0, "end": 1600000300.0, "scheduled": 1600000000.0}',1796098951.25127,NULL,1.79609895128972649573e+09,1.7960989600002126694e+09,NULL,'Executing',NULL,NULL,NULL,NULL,'http://127.0.0.1:36957/data/BatchJobs(2)',NULL,NULL,0,0,0,NULL,'embedded');
INSERT INTO "notification_jobs" VALUES('330d99ee-6c7a-4dc2-b79d-9f5ab838f49a','caller-one','bench',3,'d365','ours','fernet:81974237:gAAAAABrDkuGrrrnC1oqgChRbk1y4JZSEqoqyh6vZi_dVT1T2H8CUOQFdUnGAtuQoJjilKMX7w1rXiFuzIYPSSrquK4FSa9oLA_kp9g3Qz3wrST-UeiyvwkokNh0tgZYeGDdNPCB6hpOfxdlMjaPRyaElskNyAltNA==','receiver.example.com','standard','running',1,1.796098950974322319e+09,1.79609896046177291875e+09,1.79618532097432231898e+09,1.79618535097432231902e+09,'{"batch_id": 3, "status": "Finished", "start": 1600000012.0, "end": 1600000300.0, "scheduled": 1600000000.0}',1.79609895125132560736e+09,NULL,1796098951.29844,1.79609896000032043458e+09,NULL,'Executing',NULL,NULL,NULL,NULL,'http://127.0.0.1:36957/data/BatchJobs(3)',NULL,NULL,0,0,0,NULL,'embedded');
CREATE TABLE notification_keys (
	caller VARCHAR(256) NOT NULL, 
	"key" VARCHAR(300) NOT NULL, 
	job_id VARCHAR(36) NOT NULL, 
	payload VARCHAR(64) NOT NULL, 
	PRIMARY KEY (caller, "key")
);
INSERT INTO "notification_keys" VALUES('caller-one','sent:key-1','ee5a9577-049f-43de-b28c-27956b1fea38','c671d015fd6c9668f4bf9ce24010bd47ec76d75f588dc7826f5987e491b2cfa5');
INSERT INTO "notification_keys" VALUES('caller-one','sent:key-2','efdd7952-c14b-4ab2-8a2e-ce4e6d40b4b9','02155e7cce4679ca779ada99856a1365cee6fdc3ad7fed089c85c0cd6af03f23');
INSERT INTO "notification_keys" VALUES('caller-one','sent:key-3','330d99ee-6c7a-4dc2-b79d-9f5ab838f49a','0b1a8e3373463a5b13d98749514248e636aab5f1ed285a1e30715ef8b04051ea');
CREATE TABLE notification_replicas (
	executor_id VARCHAR(64) NOT NULL, 
	started_at FLOAT NOT NULL, 
	lease_until FLOAT, 
	wall_at FLOAT, 
	PRIMARY KEY (executor_id)
);
INSERT INTO "notification_replicas" VALUES('embedded',1.79609895076716256142e+09,1.79609895595232391357e+09,1.79609895595256257054e+09);
CREATE TABLE notification_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "notification_schema" VALUES(3);
CREATE INDEX notification_jobs_batch ON notification_jobs (batch_id, active);
CREATE INDEX notification_jobs_active ON notification_jobs (state, created_at) WHERE active = 1;
CREATE INDEX notification_jobs_state ON notification_jobs (state, updated_at);
CREATE INDEX notification_jobs_free ON notification_jobs (created_at) WHERE active = 1 AND owner IS NULL;
CREATE INDEX notification_jobs_caller ON notification_jobs (caller, active, created_at);
CREATE INDEX notification_keys_job ON notification_keys (job_id);
COMMIT;
