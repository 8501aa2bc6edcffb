// Unpacks the Chromium of the npm package `@sparticuz/chromium` into `TMPDIR`, with the libraries that a machine may lack,
// and prints its path.

process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x"; // so that the package unpacks the libraries, too
const { default: chromium } = await import("@sparticuz/chromium");
console.log(await chromium.executablePath());
