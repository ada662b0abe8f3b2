// @ts-check
/** The OpenAPI document as a page. Swagger UI is django-ninja's copy; this only starts it. */

const place = /** @type {HTMLElement} */ (document.getElementById("document"));
const { url, csrfToken } = place.dataset;

// A classic script before this module, so it is a global.
/** @type {any} */ (window).SwaggerUIBundle({
  url,
  domNode: place,
  deepLinking: true,
  // Its badge asks a server of somebody else's.
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  /** @param {{ headers: Record<string, string> }} request */
  requestInterceptor(request) {
    request.headers["X-CSRFToken"] = csrfToken ?? "";
    return request;
  },
});
