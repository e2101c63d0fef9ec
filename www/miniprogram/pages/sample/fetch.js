// @ts-check
// As much of fetch as the documents' samples use. They were printed for pages of the web; mini programs have wx.request.

/** @param {string} url @returns {Promise<{ ok: boolean, status: number, json(): Promise<any> }>} */
export const fetch = (url) => new Promise((resolve, reject) => {
  wx.request({
    url,
    success: ({ statusCode, data }) => resolve({ ok: statusCode === 200, status: statusCode, json: async () => data }),
    fail: ({ errMsg }) => reject(new TypeError(errMsg)),
  })
})
