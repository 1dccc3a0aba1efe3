export { makeCertificate, type TestCertificate } from '@reconfirm/local-stack/testing';
