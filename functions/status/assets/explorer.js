// A file of its own, since the page's policy allows no script within the page.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#explorer",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false, // an API key that is typed in goes with the page
  queryConfigEnabled: false, // no link says which document is shown, or where requests go
  validatorUrl: null, // nothing is sent to others
});
