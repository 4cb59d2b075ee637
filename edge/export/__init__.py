"""Export (导出): evidence taken out of the box as one ZIP that proves itself and prints well."""
