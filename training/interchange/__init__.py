"""Networks from and to other libraries: scikit-learn and PyTorch in, ONNX out."""
