// Microsoft's own clients against the stand-in of Azure: what they get, and what they sign.  node azure_peers.cjs SETTINGS
// The stand-in's log then says what they send.
const dns = require('dns');
const fs = require('fs');
const lookup = dns.lookup;
dns.lookup = (host, options, done) => lookup(host.endsWith('.localhost') ? '127.0.0.1' : host, options, done);
const identity = require('@azure/identity');
const { SecretClient } = require('@azure/keyvault-secrets');
const amqp = require('@azure/core-amqp');

const s = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const options = { authorityHost: s.authority, disableInstanceDiscovery: true, retryOptions: { maxRetries: 3, retryDelayInMs: 100 } };

async function secret(credential, name, version) {
	const client = new SecretClient(s.vault, credential, { retryOptions: { maxRetries: 3, retryDelayInMs: 100 } });
	return (await client.getSecret(name, version ? { version } : undefined)).value;
}

async function tried(name, work) {
	try {
		console.log(JSON.stringify({ name, value: await work() }));
	} catch (e) {
		console.log(JSON.stringify({ name, error: String(e.message).split('\n')[0] }));
	}
}

(async () => {
	for (const k of Object.keys(process.env)) if (/^(AZURE_|IDENTITY_|MSI_)/.test(k)) delete process.env[k];
	const bySecret = new identity.ClientSecretCredential(s.tenant, s.client, s.secret, options);
	await tried('secret', () => secret(bySecret, 'hook'));
	await tried('version', () => secret(bySecret, 'versioned', 'abc123'));
	await tried('none', () => secret(bySecret, 'nothing'));
	await tried('certificate', () => secret(new identity.ClientCertificateCredential(s.tenant, s.client, s.certificate, options), 'hook'));
	await tried('workload', () => secret(new identity.WorkloadIdentityCredential({ ...options, tenantId: s.tenant, clientId: s.client, tokenFilePath: s.federated }), 'hook'));
	options.allowInsecureConnection = true;
	process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = s.metadata;
	await tried('metadata', () => secret(new identity.ManagedIdentityCredential(options), 'hook'));
	delete process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST;
	process.env.IDENTITY_ENDPOINT = s.endpoint;
	process.env.IDENTITY_HEADER = 'the-header';
	await tried('app', () => secret(new identity.ManagedIdentityCredential(options), 'hook'));
	// signatures
	const key = amqp.createSasTokenProvider({ sharedAccessKeyName: s.keyName, sharedAccessKey: s.key });
	await tried('sas', async () => (await key.getToken(s.audience)).token);
})();
