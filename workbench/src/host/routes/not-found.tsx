// What every unknown route shows.
import { EmptyState, TextLink } from '@grafana/ui';
import { Page } from '../chrome/page';

export const NotFound = () => (
  <Page pageNav={{ text: 'Page not found' }}>
    <EmptyState variant="not-found" message="We're looking but can't seem to find this page" hideImage>
      Try returning <TextLink href="/">home</TextLink>.
    </EmptyState>
  </Page>
);
