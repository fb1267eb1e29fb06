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
	attempts INTEGER NOT NULL, 
	doubted INTEGER NOT NULL, 
	series INTEGER NOT NULL, 
	next_attempt_at FLOAT, 
	owner VARCHAR(64), 
	PRIMARY KEY (id)
);
INSERT INTO "notification_jobs" VALUES('ced246c3-6f02-4fac-aa74-2ce180abc2b6','caller-one','bench',1,'fernet:81974237:gAAAAABrDkt1pYhMcrsfPxEgIBpxo0GQB2xY_SzXlRJ44lCEV38h_nKG2Rb9mOQDuFXUkLlEcSLIhmQ1hhsGFOMjrICEDYyg4OfcVq-hXMOiyfXH6USXWqPu8vfnfNBGIqvxvDvfZlaV43rLH0OC32Qo-OpLklZLDg==','receiver.example.com','adf','running',1,1.79609893328797268867e+09,1.79609894276553368566e+09,1.79618530328797268869e+09,1.7961853332879726886e+09,'{"batch_id": 1, "status": "Finished", "start": 1600000012.0, "end": 1600000300.0, "scheduled": 1600000000.0}',1.79609893344745469093e+09,NULL,1796098933.45899,1.79609894200024700159e+09,NULL,'Executing',NULL,NULL,NULL,0,0,0,NULL,'embedded');
INSERT INTO "notification_jobs" VALUES('7d9eb055-2e35-43f0-8fd5-7da7f00d990a','caller-one','bench',2,'fernet:81974237:gAAAAABrDkt1dSy-dPz_YX07L4WsNDp-zNtDXTK9UH8S1ILDvpaab9AdBqMLOuQYvZAwctCo3QfGUP55WAG1P8GBM5NYPOGRLE6oYLCIKecx8pflflefR6y-8nitYLXRLo7Z2AwT4zkxYbTl2-3JAO4GuaHRu65P0w==','receiver.example.com','adf','running',1,1.79609893330282378194e+09,1.79609894276559090616e+09,1.79618530330282378192e+09,1.79618533330282378196e+09,'{"batch_id": 2, "status": "Finished", "start": 1600000012.0, "end": 1600000300.0, "scheduled": 1600000000.0}',1.79609893344753265374e+09,NULL,1.79609893346317696567e+09,1.79609894200032711025e+09,NULL,'Executing',NULL,NULL,NULL,0,0,0,NULL,'embedded');
INSERT INTO "notification_jobs" VALUES('c7e54cc4-b955-43cb-84de-2416eaa5fce9','caller-one','bench',3,'fernet:81974237:gAAAAABrDkt1OslLKkMrkZXN4PnvV1mdk1BLupx49IDFPr5ZKYiGonwqQZOv_z3orF2PXrIpYbJ7ez_NYfQ5DLZKnPCLsDJtbZaNY7DtBQ69BbdNPDujho2CLGfze04eNQGapf195tH0OtWabb6t5eNZH3iya_qnGg==','receiver.example.com','standard','running',1,1.79609893330860614772e+09,1.79609894276557493205e+09,1.7961853033086061477e+09,1.79618533330860614778e+09,'{"batch_id": 3, "status": "Finished", "start": 1600000012.0, "end": 1600000300.0, "scheduled": 1600000000.0}',1.79609893345232129102e+09,NULL,1.79609893347190952301e+09,1.796098942000310421e+09,NULL,'Executing',NULL,NULL,NULL,0,0,0,NULL,'embedded');
CREATE TABLE notification_keys (
	caller VARCHAR(256) NOT NULL, 
	"key" VARCHAR(300) NOT NULL, 
	job_id VARCHAR(36) NOT NULL, 
	payload VARCHAR(64) NOT NULL, 
	PRIMARY KEY (caller, "key")
);
INSERT INTO "notification_keys" VALUES('caller-one','sent:key-1','ced246c3-6f02-4fac-aa74-2ce180abc2b6','c671d015fd6c9668f4bf9ce24010bd47ec76d75f588dc7826f5987e491b2cfa5');
INSERT INTO "notification_keys" VALUES('caller-one','sent:key-2','7d9eb055-2e35-43f0-8fd5-7da7f00d990a','02155e7cce4679ca779ada99856a1365cee6fdc3ad7fed089c85c0cd6af03f23');
INSERT INTO "notification_keys" VALUES('caller-one','sent:key-3','c7e54cc4-b955-43cb-84de-2416eaa5fce9','0b1a8e3373463a5b13d98749514248e636aab5f1ed285a1e30715ef8b04051ea');
CREATE TABLE notification_replicas (
	executor_id VARCHAR(64) NOT NULL, 
	started_at FLOAT NOT NULL, 
	lease_until FLOAT, 
	wall_at FLOAT, 
	PRIMARY KEY (executor_id)
);
INSERT INTO "notification_replicas" VALUES('embedded',1.79609893322852540013e+09,1.79609893829592823979e+09,1.79609893829611849788e+09);
CREATE TABLE notification_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "notification_schema" VALUES(2);
CREATE INDEX notification_jobs_caller ON notification_jobs (caller, active, created_at);
CREATE INDEX notification_jobs_state ON notification_jobs (state, updated_at);
CREATE INDEX notification_jobs_batch ON notification_jobs (batch_id, active);
CREATE INDEX notification_jobs_active ON notification_jobs (state, created_at) WHERE active = 1;
CREATE INDEX notification_jobs_free ON notification_jobs (created_at) WHERE active = 1 AND owner IS NULL;
CREATE INDEX notification_keys_job ON notification_keys (job_id);
COMMIT;
