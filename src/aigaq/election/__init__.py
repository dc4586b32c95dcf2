"""The register: election, territories, polling stations, zones and cameras."""
