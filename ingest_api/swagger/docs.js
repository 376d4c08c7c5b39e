// What /openapi.json describes is what a token may ask for: the tab asks for one, and keeps it until it is closed.
const token = sessionStorage.getItem('token') || prompt('A token, as ingest_api.create_token() gives it') || '';
sessionStorage.setItem('token', token);
SwaggerUIBundle({
	url: '/openapi.json',
	dom_id: '#document',
	deepLinking: true,
	validatorUrl: null,
	requestInterceptor: (request) => {
		if (token && !request.headers.Authorization) request.headers.Authorization = 'Bearer ' + token;
		return request;
	},
	responseInterceptor: (response) => {
		if (response.status === 401) sessionStorage.removeItem('token');
		return response;
	},
});
