// True signatures, made by OpenSSL with keys that were thrown away: WebCrypto must accept them before it is used.

export const MESSAGE = "Aigaq asks itself first";

export const EXAMPLES = {
  "Ed25519": {
    key: "GILmSScSGtkpBA4Reu6v0eCO9tQoPdf2hO2lZcpyiig=",
    signature: "NvqCESarw1zmMqch+7clbUKp6gU3Z9NDfXqMuA7cmJAFE/hj7qXGVXDeDY8aY/xzSMlMkt1MhF4271KlaIYADA==",
  },
  "P-256": {
    key: "BAKc2g+8MK8EdUWACNzoYn+xOia+jU1X9aWd3e67+wgg9XdBQFuTrnR9zItISilWTQ2V1zzezKzcbIRyTfFFUIg=",
    signature: "JRGRp8sXkgPeIsN13G51w6xsP4m1XamMK+WVTeb8TApxwAGsH/X0BBThShhJA3nsEyReI9X+0l+eAZRdY77CJw==",
  },
} as const;
